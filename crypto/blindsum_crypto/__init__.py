"""The mathematics: seals, custody and primitives; it knows no network and no wire format."""
