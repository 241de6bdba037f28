"""Who may do what: the matrix of roles, the row scope, and Flask-AppBuilder's security manager, tamed."""
