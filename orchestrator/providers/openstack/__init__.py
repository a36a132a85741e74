"""The provider's OpenStack half: one module per service."""
