"""The heart: events in, actions out (pure), and the engine that performs them."""
