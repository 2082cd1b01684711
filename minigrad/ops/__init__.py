"""The differentiable functions, by family. A family imports only those before it: shape, elementwise, reduce, linalg,
losses, penalty, random; then those beyond the core: compare, choose, functions, trigonometric, activations."""
