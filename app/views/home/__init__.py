"""«Mi trabajo»: the first page and the lists behind its numbers; notices, running terms, figures."""

from app.views.home.view import HomeView

__all__ = ["HomeView"]
