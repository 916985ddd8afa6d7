"""The doors: Flask as the WSGI application, Granian as the server that carries it."""
