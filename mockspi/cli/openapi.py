"""``mockspi openapi``: the SPIs, or the events, as OpenAPI 3.1."""

from __future__ import annotations

import json

import click


@click.command()
@click.option("--yaml", "as_yaml", is_flag=True, help="YAML instead of JSON.")
@click.option("--webhooks", "of_events", is_flag=True, help="The events of every platform instead of the SPIs.")
def openapi(as_yaml: bool, of_events: bool) -> None:
    """Print the OpenAPI 3.1 document of every SPI, with the sample set's examples."""
    from mockspi.openapi import spi, webhooks  # heavy: only where it is needed

    document = webhooks.webhooks() if of_events else spi()
    if as_yaml:
        import yaml  # heavy: only where it is needed

        click.echo(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120), nl=False)
    else:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
