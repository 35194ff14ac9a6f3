"""References: tiny models in the layout of a Hub repository, made on the spot and offline."""
