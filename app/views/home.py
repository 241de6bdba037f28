"""The first page: what waits for the person who entered."""

from flask_appbuilder import IndexView, expose
from flask_appbuilder.security.decorators import has_access, permission_name


class HomeView(IndexView):
    """«Mi trabajo»."""

    class_permission_name = "Home"

    @expose("/")
    @has_access
    @permission_name("get")
    def index(self) -> str:
        """The landing page; anonymous visitors are sent to log in."""
        return str(self.render_template("sis/home.html"))
