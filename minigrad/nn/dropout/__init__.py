"""Layers that draw: dropout in its forms, DropConnect, noise, and predictions with masks drawn again."""
