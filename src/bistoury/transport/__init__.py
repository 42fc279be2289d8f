"""How frames move. One module per way of moving them."""
