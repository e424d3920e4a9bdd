"""Views of the plain result: text, page, JSON, and two results side by side."""
