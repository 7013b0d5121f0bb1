"""HTTP apart from the routes: bodies, streams, error objects, middleware."""
