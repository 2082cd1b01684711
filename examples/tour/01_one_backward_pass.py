"""Tour 1 of 8: one backward pass. What a tensor remembers, and how gradients come out of that.

python examples/tour/01_one_backward_pass.py            a second
python examples/tour/01_one_backward_pass.py --quick    10 training steps instead of 200

A model is a formula with numbers in it that may change, here w1, w2 and b. A loss says how wrong the model is. The
gradient of the loss says, for each of these numbers, how much the loss grows when the number grows a little.
"""

import math
import sys

import minigrad as mg

# One neuron: it reads two numbers, x1 and x2, and should answer 1. float64, so that we can compare many digits.
x1, x2, target = 0.5, -1.0, 1.0


def parameter(value):
    return mg.tensor(value, dtype="float64", requires_grad=True)


w1, w2, b = parameter(0.8), parameter(0.3), parameter(0.1)

# The forward pass. Each line computes numbers, and each result remembers the op that made it and what it was made from.
s = w1 * x1 + w2 * x2 + b  # a weighted sum
y = mg.tanh(s)  # squeezed between -1 and 1
loss = (y - target) ** 2  # the squared error
print(f"s = {s.item():.4f}, answer y = {y.item():.4f}, loss = {loss.item():.4f}")

# That memory is the graph. Here it is, from the loss back to the parameters.
print("\nhow the loss was made: each line from the lines that are indented below it")
waiting = [(loss, 0)]
while waiting:
    node, depth = waiting.pop()
    name = {id(w1): "w1", id(w2): "w2", id(b): "b"}.get(id(node), node.op and node.op.name)
    print(f"  {'    ' * depth}{name} = {node.item():.4f}")
    waiting += [(x, depth + 1) for x in node.inputs or () if isinstance(x, mg.Tensor) and x.requires_grad]

# The backward pass goes through the graph from the loss to the parameters, and leaves a gradient at each of them.
loss.backward()
gradients = {"w1": w1.grad.item(), "w2": w2.grad.item(), "b": b.grad.item()}

# The same by the chain rule on paper: d loss/ds = 2 (y - target) (1 - y²), and ds/dw1 = x1, ds/dw2 = x2, ds/db = 1.
slope = 2 * (math.tanh(s.item()) - target) * (1 - math.tanh(s.item()) ** 2)
by_hand = {"w1": slope * x1, "w2": slope * x2, "b": slope}


# And the same without any theory: move one parameter a little to both sides, and see by how much the loss changes.
def loss_at(w1, w2, b):
    return (math.tanh(w1 * x1 + w2 * x2 + b) - target) ** 2


h, at = 1e-6, {"w1": 0.8, "w2": 0.3, "b": 0.1}
measured = {n: (loss_at(**{**at, n: at[n] + h}) - loss_at(**{**at, n: at[n] - h})) / (2 * h) for n in at}

print("\n      backward     by hand      measured")
for name in gradients:
    print(f"  {name:2}  {gradients[name]:+.8f}  {by_hand[name]:+.8f}  {measured[name]:+.8f}")
    assert abs(gradients[name] - by_hand[name]) < 1e-14 and abs(gradients[name] - measured[name]) < 1e-8

# Gradients add up: a second backward pass doubles them. That is why each training step starts with zero_grad().
((mg.tanh(w1 * x1 + w2 * x2 + b) - target) ** 2).backward()
assert abs(w1.grad.item() - 2 * gradients["w1"]) < 1e-15
print(f"\nafter a second backward the gradient of w1 is {w1.grad.item():+.8f}: twice the first one")

# Training: move each parameter a little against its gradient, again and again.
steps = 10 if "--quick" in sys.argv else 200
optimizer = mg.optim.SGD([w1, w2, b], lr=0.1)
before = loss.item()
for _ in range(steps):
    optimizer.zero_grad()
    loss = (mg.tanh(w1 * x1 + w2 * x2 + b) - target) ** 2
    loss.backward()
    optimizer.step()
assert loss.item() < before
print(f"after {steps} steps: w1 = {w1.item():.3f}, w2 = {w2.item():.3f}, b = {b.item():.3f}")
print(f"look at: the loss fell from {before:.4f} to {loss.item():.4f}, by gradients that three ways agree on")
