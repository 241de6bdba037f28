"""The floor: a bare Flask with one hand-written statement a page on the same tables, and one small template.

What it leaves out (log-in, permissions, scope, forms, audit) is what the ratio of the product to it measures.
"""

import os
from typing import Any

from flask import Flask, request
from psycopg2.extras import RealDictCursor
from psycopg2.pool import ThreadedConnectionPool

PAGE = 25

LIST = """
SELECT o.id, d.number, o.state, s.name AS state_name, o.valid_until, f.code AS office,
       e.legal_name, p.name AS place, i.first_name || ' ' || i.last_name AS leader {total}
  FROM inspection_order o
  JOIN office f ON f.id = o.office_id
  LEFT JOIN document d ON d.id = o.document_id
  LEFT JOIN procedure_state s
    ON (s.version_code, s.process_code, s.code) = (o.version_code, o.process_code, o.state)
  LEFT JOIN LATERAL (
    SELECT establishment_id FROM order_establishment WHERE order_id = o.id ORDER BY id LIMIT 1) x ON true
  LEFT JOIN establishment p ON p.id = x.establishment_id
  LEFT JOIN employer e ON e.id = p.employer_id
  LEFT JOIN order_inspector m ON m.order_id = o.id AND m.leader AND m.until IS NULL
  LEFT JOIN inspector i ON i.id = m.inspector_id
 WHERE {where} ORDER BY o.id DESC LIMIT 25
"""
TOTAL = ", (SELECT count(*) FROM inspection_order) AS total"
NAMED = """o.id IN (SELECT x.order_id FROM order_establishment x
  JOIN establishment p ON p.id = x.establishment_id JOIN employer e ON e.id = p.employer_id
 WHERE search_text(e.legal_name, e.trade_name, e.description, e.ruc_base, e.document_number) LIKE %(q)s)"""
RECORD = """
SELECT o.*, d.number, f.name AS office,
  (SELECT json_agg(json_build_object('number', v.number, 'kind', v.kind, 'state', v.state,
          'on', v.happened_on) ORDER BY v.number) FROM visit v WHERE v.order_id = o.id) AS visits,
  (SELECT json_agg(json_build_object('facts', n.facts, 'state', n.state) ORDER BY n.id)
     FROM finding n JOIN visit v ON v.id = n.visit_id WHERE v.order_id = o.id) AS findings,
  (SELECT json_agg(json_build_object('name', m.name, 'on', m.happened_on, 'who', m.actor_name)
          ORDER BY m.id DESC) FROM record_move m WHERE m.order_id = o.id) AS log
  FROM inspection_order o JOIN office f ON f.id = o.office_id LEFT JOIN document d ON d.id = o.document_id
 WHERE o.id = %(id)s
"""
HEAD = """<!doctype html><html lang="es"><head><meta charset="utf-8"><title>Piso</title></head><body>"""
LIST_HTML = (
    HEAD
    + """<h1>Órdenes</h1>{% if rows and rows[0].total %}<p>{{ rows[0].total }}</p>{% endif %}<table>
{% for r in rows %}<tr><td><a href="/ordenes/{{ r.id }}">{{ r.number or 'Proyecto %d' % r.id }}</a></td>
<td>{{ r.legal_name }} · {{ r.place }}</td><td>{{ r.state_name }}</td><td>{{ r.leader or '—' }}</td>
<td>{{ r.valid_until or '—' }}</td><td>{{ r.office }}</td></tr>{% endfor %}</table></body></html>"""
)
RECORD_HTML = (
    HEAD
    + """<h1>{{ o.number or o.id }}</h1><dl>
{% for k, v in o.items() if k not in ('visits', 'findings', 'log') %}
<dt>{{ k }}</dt><dd>{{ v }}</dd>{% endfor %}</dl>
{% for name in ('visits', 'findings', 'log') %}<table>{% for r in o[name] or () %}<tr>
{% for v in r.values() %}<td>{{ v }}</td>{% endfor %}</tr>{% endfor %}</table>{% endfor %}</body></html>"""
)


def app() -> Flask:
    """The bare application."""
    bare = Flask(__name__)
    pool = ThreadedConnectionPool(2, 16, os.environ["BENCH_DSN"], cursor_factory=RealDictCursor)
    listed = bare.jinja_env.from_string(LIST_HTML)
    shown = bare.jinja_env.from_string(RECORD_HTML)

    def asked(sql: str, **values: Any) -> list[Any]:
        connection = pool.getconn()
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(sql, values)
                return list(cursor.fetchall())
        finally:
            pool.putconn(connection)

    @bare.get("/ordenes/list/")
    def orders() -> str:
        where, values, total = ["true"], {}, ""
        args = request.args
        if args.get("despues"):
            where.append("o.id < %(after)s")
            values["after"] = int(args["despues"])
        if args.get("fase"):
            where.append("s.phase = %(phase)s")
            values["phase"] = args["fase"]
        if args.get("oficina"):
            where.append("o.office_id = %(office)s")
            values["office"] = int(args["oficina"])
        if args.get("q"):
            where.append(NAMED)
            values["q"] = f"%{args['q']}%"
        if len(where) == 1:
            total = TOTAL
        return listed.render(rows=asked(LIST.format(total=total, where=" AND ".join(where)), **values))

    @bare.get("/ordenes/<int:pk>")
    def order(pk: int) -> str:
        return shown.render(o=asked(RECORD, id=pk)[0])

    return bare
