"""The models that are there without a registry, and the names of the package."""

import subprocess
import sys
from importlib import resources

import numpy as np
import pytest

import reference.production.api
import reference.production.serving
from reference.production.serving.example_data import LICENCE, read, tables
from reference.production.serving.examples import train_examples


def test_the_shipped_files_are_what_the_program_writes() -> None:
    folder = resources.files("reference.production.serving") / "data"
    for name, content in tables().items():
        assert (folder / name).read_text(encoding="utf-8") == content
        assert content.startswith(LICENCE)


def test_the_examples_have_learnt() -> None:
    models = train_examples()
    assert list(models) == ["churn", "rent"]
    for name in models:
        header, rows = read(f"synthetic_{name}.csv")
        model = models[name]
        assert list(getattr(model, "feature_names")) == header[:-1]  # noqa: B009 - optional in Model
        X = np.array([row[:-1] for row in rows], dtype=np.float64)
        predictions = np.asarray(model.predict(X))
        if name == "churn":
            outcomes = np.array([row[-1] for row in rows])
            # The larger class is 54 % of the rows.
            assert (predictions == outcomes).mean() > 0.85
        else:
            rents = np.array([row[-1] for row in rows], dtype=np.float64)
            # The noise that was drawn has a standard deviation of 40.
            assert np.abs(predictions - rents).mean() < 45


@pytest.mark.parametrize("name", ["serving", "api"])
def test_all_names_are_there_and_importing_trains_nothing(name: str) -> None:
    module = getattr(reference.production, name)
    assert all(hasattr(module, public) for public in module.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        module.nothing  # noqa: B018 - the access is the test
    code = (
        f"import sys, reference.production.{name}; "
        "loaded = {'reference.production.serving.production', 'torch', 'sklearn'}; "
        "raise SystemExit(' '.join(loaded & sys.modules.keys()) or None)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
