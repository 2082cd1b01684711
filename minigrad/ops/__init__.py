"""The differentiable functions, by family. A family imports only those before it: shape, elementwise, reduce, linalg,
losses, penalty, random."""
