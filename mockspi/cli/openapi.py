"""``mockspi openapi``: the SPIs as OpenAPI 3.1."""

from __future__ import annotations

import json

import click


@click.command()
@click.option("--yaml", "as_yaml", is_flag=True, help="YAML instead of JSON.")
def openapi(as_yaml: bool) -> None:
    """Print the OpenAPI 3.1 document of every SPI, with the sample set's examples."""
    from mockspi import openapi as documents  # heavy: only where it is needed

    document = documents.spi()
    if as_yaml:
        import yaml  # heavy: only where it is needed

        click.echo(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120), nl=False)
    else:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
