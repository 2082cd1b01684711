"""The differentiable functions, by family. A family imports only those before it: shape, elementwise, index, create,
reduce, linalg, losses, regularize, layers."""
