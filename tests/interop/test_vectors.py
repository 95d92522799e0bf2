"""The worked messages of the wire contract in tests/vectors/wire: well formed, and, where the contract lies beside this
checkout, word for word as it has them."""

import json
import re

import pytest

from conftest import ROOT

WIRE = ROOT / "tests/vectors/wire"
CONTRACT = ROOT.parent / "shared/spec/qualification.md"
NAMES = sorted(path.stem for path in WIRE.glob("*.json"))


def blocks(text):
    """The JSON blocks of a Markdown text that are objects."""
    for block in re.findall(r"^```json\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield json.loads(block)


def test_there_is_a_file_for_each_kind_of_message():
    assert {"discovery", "token_response", "eligibility_request", "eligibility_response", "operation_outcome"} <= set(NAMES)
    kinds = {json.loads((WIRE / f"{name}.json").read_text()).get("resourceType") for name in NAMES}
    records = {"ExplanationOfBenefit", "MedicationDispense", "Immunization", "Observation", "AuditEvent"}
    assert records | {"Consent", "Task"} <= kinds


@pytest.mark.parametrize("name", NAMES)
def test_each_message_stands_in_the_contract(name):
    if not CONTRACT.exists():
        pytest.skip("the wire contract is not beside this checkout")
    message = json.loads((WIRE / f"{name}.json").read_text())
    assert message in list(blocks(CONTRACT.read_text())), name
