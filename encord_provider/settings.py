"""What the bundled DAGs are told: by the form of a run, and by an Airflow Variable."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow.sdk import Param


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The parameters of one bundled DAG. What a run is given comes first, then the Variable.

    :param variable: the Airflow Variable, a JSON object with the names of the parameters.
    """

    variable: str

    def optional(
        self,
        title: str,
        description: str,
        *,
        empty: str = "",
        choices: Sequence[str] = (),
        pattern: str | None = None,
        example: Mapping[str, Any] | None = None,
        in_variable: bool = True,
    ) -> Param:
        """Declare a parameter that a run may leave out: a text, one of some choices, or an object.

        :param title: its title in the form.
        :param description: its help.
        :param empty: what applies where nothing says it.
        :param choices: the texts that it may be.
        :param pattern: a regular expression that its text must fit.
        :param example: an object that it may be; only parameters that are objects have one.
        :param in_variable: whether the Variable is asked for it.
        """
        kind = "string" if example is None else "object"
        schema: dict[str, Any] = {"type": [kind, "null"]}
        if choices:
            schema["enum"] = [None, *choices]
        if pattern:
            schema["pattern"] = pattern
        shown = "" if example is None else f" Example: {json.dumps(example)}"
        sources = [f"what the Variable {self.variable} says"] if in_variable else []
        fallback = " or ".join([*sources, *([empty] if empty else [])])
        return Param(None, title=title, description=f"{description}{shown} Empty for {fallback}.", **schema)

    def section(self, title: str, params: Mapping[str, Param]) -> dict[str, Param]:
        """Put parameters into a section of the form, which is closed as the form opens.

        :param title: its title.
        :param params: the parameters by name.
        """
        for param in params.values():
            param.schema["section"] = title
        return dict(params)

    def surroundings(self) -> dict[str, Param]:
        """Declare the section with the workspace and the two connections, which have the usual names unless given."""
        return self.section(
            "Workspace and connections",
            {
                "workspace": self.optional(
                    "Workspace",
                    "URI of the folder in which the tasks keep their files.",
                    empty="[encord] workspace",
                ),
                "encord_conn_id": Param("encord_default", type="string", title="Encord connection"),
                "aws_conn_id": Param("aws_default", type="string", title="AWS connection"),
            },
        )

    def template(self, name: str, *, as_json: bool = False, instead_of: Sequence[str] = ()) -> str:
        """Give the template that finds a parameter when a task runs.

        :param name: the parameter.
        :param as_json: whether it is an object; it is then rendered as JSON text.
        :param instead_of: parameters that it takes the place of; the Variable's is not used in a run that is given
            one of them.
        """
        fallback = f"var.json.get('{self.variable}', {{}}).get('{name}')"
        if instead_of:
            given = " or ".join(f"params.{other}" for other in instead_of)
            fallback = f"(none if {given} else {fallback})"
        # Not 'or': 0 and false are values.
        first = f"[params.{name}, {fallback}] | reject('in', [none, '', {{}}, []]) | first"
        return (
            f"{{{{ {first} | default({{}}) | tojson }}}}" if as_json else f"{{{{ {first} | default('') }}}}"
        )
