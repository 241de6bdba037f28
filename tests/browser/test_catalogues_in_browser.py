"""The catalogues on a phone and on a desktop: they fit, they filter, a new legal value is added from the old."""

import pytest
from browser.visitor import Visitor
from playwright.sync_api import expect

PAGES = {
    "infractions": "/infracciones/list/",
    "norms": "/normas/list/",
    "parameters": "/parametros/list/",
    "wages": "/salario-minimo/list/",
    "holidays": "/feriados/list/",
    "aliases": "/alias-de-infracciones/list/",
    "activities": "/actividades/list/",
    "districts": "/distritos/list/",
    "checklists": "/listas-de-control/list/",
}


def test_every_catalogue_fits_the_screen(visitor: Visitor) -> None:
    visitor.enter("admin")
    for name, path in PAGES.items():
        visitor.go(path)
        expect(visitor.page.get_by_role("heading", level=1)).to_be_visible()
        visitor.look(name)


def test_inspector_reads_a_checklist_from_its_list(visitor: Visitor) -> None:
    visitor.enter("inspector1")
    visitor.go(PAGES["checklists"])
    visitor.page.get_by_role("link", name="CL-GEN · Condiciones generales de trabajo").click()
    expect(
        visitor.page.get_by_text("¿El empleador está inscripto en el Registro Obrero Patronal?")
    ).to_be_visible()
    visitor.look("checklist")


def test_administrator_adds_a_wage_from_the_one_in_force(visitor: Visitor) -> None:
    if visitor.size == "phone":
        pytest.skip("one wage is enough: both sizes share a database")
    page = visitor.page
    visitor.enter("admin")
    visitor.go(PAGES["wages"])
    page.get_by_role("link", name="01/07/2026").click()
    page.get_by_role("link", name="Agregar un valor nuevo").click()
    expect(page.get_by_label("Jornal mínimo")).to_have_value("117.077")
    page.get_by_label("Salario mensual").fill("3.200.000")
    page.get_by_label("Jornal mínimo").fill("123.077")
    page.get_by_label("Vigente desde").fill("2027-07-01")
    page.get_by_label("Base legal").fill("Decreto 1/2027")
    page.get_by_label("Verificación").select_option("Por verificar")
    visitor.look("wage-form")
    page.get_by_role("button", name="Guardar").click()
    expect(page.get_by_text("Gs. 123.077")).to_be_visible()
    expect(page.get_by_text("30/06/2027")).to_be_visible()


def test_forms_and_records_of_the_catalogues_fit_the_screen(visitor: Visitor) -> None:
    visitor.enter("admin")
    visitor.go(PAGES["infractions"])
    visitor.page.get_by_role("link", name="CON-01").click()
    visitor.look("infraction")
    visitor.page.get_by_role("link", name="Editar").click()
    visitor.look("infraction-form")
    visitor.go("/feriados/add")
    visitor.look("holiday-form")


def test_infractions_are_filtered_by_a_choice_in_words(visitor: Visitor) -> None:
    page = visitor.page
    visitor.enter("inspector1")
    visitor.go(PAGES["infractions"])
    page.locator(".sis-filters-toggle summary").click()
    page.locator("#filtros").get_by_label("Gravedad").select_option("Muy grave")
    expect(page.get_by_text("21 registros")).to_be_visible()
    visitor.look("infraction-filter")
