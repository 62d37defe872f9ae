"""Model files as versions of chainrule wrote them, and what they predict."""
