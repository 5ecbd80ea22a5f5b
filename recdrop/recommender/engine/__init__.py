"""How the parts are added up to scores of a user's next items, and how their weights are found."""
