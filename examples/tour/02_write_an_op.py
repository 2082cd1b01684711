"""Tour 2 of 8: write an op. A forward function, a rule for its gradient, and a check that the rule is right.

python examples/tour/02_write_an_op.py            a second
python examples/tour/02_write_an_op.py --quick    fewer training steps

The op is a soft absolute value, y = √(x² + c²) - c. Near 0 it is x²/(2c), far away |x| - c. As a loss it counts large
errors by their size, not by their square, so a wrong measurement cannot pull a whole fit to itself.
"""

import sys

import numpy as np

import minigrad as mg
from minigrad import kernels as K


# The forward function works on arrays: it makes room for the result and calls kernels, loops over numbers that each
# backend has. The rule is given by the argument's name: from g, the gradient of the output y, it makes the gradient of
# x. Here dy/dx = x / √(x² + c²) = x / (y + c). Rules are written in ops, so that they can be differentiated again.
# c is after the `*`: it is a constant, and needs no rule.
@mg.differentiable(x=lambda g, y, x, *, c: mg.mul(g, mg.div(x, mg.add(y, c))))
def soft_abs(x, *, c):
    y = K.empty_like(x)
    K.mul(x, x, y)  # y = x²
    K.add(y, c * c, y)  # y = x² + c²
    K.sqrt(y, y)
    K.sub(y, c, y)
    return y


x = mg.tensor([-3.0, -0.1, 0.0, 0.1, 3.0], dtype="float64", requires_grad=True)
y = soft_abs(x, c=1.0)
mg.sum(y).backward()
print("x        ", x.data)
print("soft_abs ", y.data.round(4))
print("slope    ", x.grad.data.round(4), "  near 0 it is x, far away it is almost ±1")
assert np.allclose(y.data, np.sqrt(x.data**2 + 1) - 1, rtol=0, atol=1e-15)

# gradcheck moves each number a little to both sides and compares the change with the rule; then it does the same to
# the gradient itself, whose own rule nobody wrote: it follows from the ops in the rule.
assert mg.testing.gradcheck(lambda x: soft_abs(x, c=0.5), [x])
print("\ngradcheck: the rule is right, and so is its derivative")


# A wrong rule trains too, only badly, and nobody sees why. Suppose we had forgotten the + c. (The two numbers that
# gradcheck then prints are slopes along a random direction, so that one pass checks all outputs.)
@mg.differentiable(x=lambda g, y, x, *, c: mg.mul(g, mg.div(x, y)))
def wrong(x, *, c):
    y = K.empty_like(x)
    K.mul(x, x, y)
    K.add(y, c * c, y)
    K.sqrt(y, y)
    K.sub(y, c, y)
    return y


try:
    mg.testing.gradcheck(lambda x: wrong(x, c=0.5), [np.array([0.7, 2.0])])
    raise SystemExit("a wrong rule was not found")
except AssertionError as found:
    print(f"a wrong rule is found: {found}")

# Now it works for us. The points lie on y = 2 x + 1, but the last three of the 40 measurements are 8 too low.
rng = np.random.default_rng(0)
inputs = np.linspace(-1, 1, 40).reshape(-1, 1)
outputs = 2 * inputs + 1 + 0.1 * rng.standard_normal((40, 1))
outputs[-3:] -= 8


def fitted(loss):
    """Slope and intercept that gradient descent finds for a loss of (prediction - target)."""
    line = mg.nn.Linear(1, 1, init="zeros", dtype="float64")
    optimizer = mg.optim.SGD(line.parameters(), lr=0.2)
    for _ in range(300 if "--quick" in sys.argv else 3000):
        optimizer.zero_grad()
        loss(line(mg.tensor(inputs)) - outputs).backward()
        optimizer.step()
    return line.weight.item(), line.bias.item()


squares = fitted(lambda error: mg.mean(error * error))
robust = fitted(lambda error: mg.mean(soft_abs(error, c=0.1)))
exact = np.polyfit(inputs[:, 0], outputs[:, 0], 1)  # least squares in closed form
assert np.allclose(squares, exact, atol=1e-8)
assert abs(robust[0] - 2) < 0.2 and abs(robust[1] - 1) < 0.1
print(f"\nsquared error  y = {squares[0]:+.2f} x {squares[1]:+.2f}   (closed form: {exact[0]:+.2f} x {exact[1]:+.2f})")
print(f"soft_abs       y = {robust[0]:+.2f} x {robust[1]:+.2f}")
print(f"look at: three bad points of 40 turn the slope 2 into {squares[0]:.2f}; with your op it is {robust[0]:.2f}")
