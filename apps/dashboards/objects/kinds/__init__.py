"""A module for each kind of object, which says what is its own; `..registry` names them."""
