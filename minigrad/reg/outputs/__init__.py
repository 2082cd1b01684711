"""Penalties on what a network computes: activations, confidence, gradients of the inputs."""
