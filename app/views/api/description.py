"""The description of the API in OpenAPI, for whoever has a key (ASVS 13.4.5)."""

from __future__ import annotations

from flask import Response, current_app
from flask_appbuilder.api import expose

from app.views.api.base import Api, answered, asked, description


class DescriptionApi(Api):
    """`/api/v1/_openapi`."""

    resource_name = "_openapi"
    route_base = "/api/v1/_openapi"
    class_permission_name = "Api"

    @expose("", methods=["GET"])
    def get(self) -> Response:
        """Every operation, with its schemas."""
        asked({})
        views = current_app.extensions["appbuilder"].baseviews
        return answered(description(view for view in views if isinstance(view, Api)))
