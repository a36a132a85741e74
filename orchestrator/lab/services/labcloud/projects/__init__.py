"""One module per service: its `build(settings)` starts it and returns its WSGI application."""
