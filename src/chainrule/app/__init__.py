"""The application: the command line, and the model file."""
