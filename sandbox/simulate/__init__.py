"""Search for mistakes: random histories of both services, drawn from a seed, played and checked at their end."""
