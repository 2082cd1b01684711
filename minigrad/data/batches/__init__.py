"""From rows to batches: loaders, mixed and changed images, drawn rows."""
