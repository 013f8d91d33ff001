"""Gives Flask's routes the App that `create_app` was told to use."""

from flask import current_app

from jpi.wiring import App


def get_app() -> App:
    """Return the App that the current request works with."""
    app: App = current_app.extensions["jpi"]()
    return app
