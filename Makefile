.PHONY: install test slow lint format demo zoo fuzz sbom audit ci

install:  ## the package, editable, with everything that tests need
	pip install -c constraints.txt -e ".[test]"

test:  ## the tests that everyone runs
	pytest

slow:  ## the tests that take longer
	pytest -m slow

lint:  ## what .ci/run checks after the tests
	ruff check . && ruff format --check . && mypy && codespell

format:  ## let ruff mend what it can
	ruff check --fix . && ruff format .

demo:  ## generated scenes and stylised photos, with a page that shows them
	shanshui demo

zoo:  ## the sums of what ships, after a model or its card was changed
	cd src/shanshui/zoo && sha256sum *.md *.safetensors > SHA256SUMS

fuzz:  ## a minute's search for inputs that a parser does not survive, for each (pip install atheris)
	python -m tests.hostile.fuzz --seconds 60

sbom:  ## sbom.json: everything that is installed here, as CycloneDX (pip install cyclonedx-bom)
	cyclonedx-py environment "$$(command -v python)" --pyproject pyproject.toml -o sbom.json

audit:  ## known weaknesses of what is installed here (pip install pip-audit; asks the package index)
	pip-audit --skip-editable

ci:  ## both README lines in fresh environments, then the checks
	bash .ci/run
