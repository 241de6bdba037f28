"""The files of the built front end as the build compressed them: no server compresses them again."""

from mimetypes import guess_type

from flask import Flask, Response, request
from werkzeug.exceptions import NotFound
from werkzeug.utils import get_content_type


class Served(Flask):
    """The application; a file of `static/dist` goes out as its `.gz`, to whoever takes gzip."""

    def send_static_file(self, filename: str) -> Response:
        """The file, or its compressed form; its name carries its digest, hence it never changes.

        Raises NotFound.
        """
        if not filename.startswith("dist/"):
            return super().send_static_file(filename)
        answer = self._compressed(filename) or super().send_static_file(filename)
        answer.cache_control.immutable = True
        answer.vary.add("Accept-Encoding")
        return answer

    def _compressed(self, filename: str) -> Response | None:
        if not request.accept_encodings["gzip"]:
            return None
        try:
            answer = super().send_static_file(f"{filename}.gz")
        except NotFound:
            return None
        answer.content_type = get_content_type(guess_type(filename)[0] or "application/octet-stream", "utf-8")
        answer.content_encoding = "gzip"
        del answer.headers["Content-Disposition"]
        return answer
