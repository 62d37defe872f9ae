"""What each command does, once its arguments are read; `chainrule.app.cli` reads them."""
