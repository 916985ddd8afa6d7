"""Webhooks: how each platform delivers, what was sent and what came of it."""
