"""Gives Flask's routes the App that `create_app` was told to use."""

from flask import current_app, g

from jpi.wiring import App


def get_app() -> App:
    """Return the App that the current request works with: the same from its beginning to its end."""
    if "app" not in g:
        g.app = current_app.extensions["jpi"]()
    app: App = g.app
    return app
