"""The articles and the claims as pages: what each shows, and its verdict."""
