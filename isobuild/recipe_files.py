"""Recipe files: an order as a text in TOML or YAML that people keep, share and order from again.

    recipe = "debian-live"
    name = "kiosk"
    [options]           as the recipe has them, without what is secret
    [uploads]           the files that they name, by their own names, for people who have to bring them

Any of what slip.Slip has may stand in one too, such as tags.
"""

import io
import json
import tomllib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from isobuild.desk import Desk
from isobuild.domain import listing
from isobuild.domain.listing import Shown
from isobuild.errors import BadInput
from isobuild.image.leaves import Shape, shape
from isobuild.image.secrets import dotted, without
from isobuild.recipes.options import named_uploads

if TYPE_CHECKING:
    from yaml import MappingNode, Node, SafeDumper

Form = Literal["toml", "yaml"]
FORMS: Mapping[Form, str] = {"toml": "application/toml", "yaml": "application/yaml"}
LARGEST = 1 << 20  # bytes of a file
ALLOWED = "a recipe file, as 'isobuild export N' writes it: TOML or YAML with 'recipe', 'name' and 'options'"


# out


def share(desk: Desk, number: int, form: Form) -> str:
    """The recipe file of a task. Raises NotFound, BadInput if TOML can't say it, HostFault if its recipe is broken."""
    with desk.db.read() as session:
        task = listing.show_task(session, number)
    model = desk.cookbook.find(task["recipe"]).Options
    options, left_out = without(model, task["options"])
    uploads = {upload: desk.uploads.name(upload) for _, upload in named_uploads(model, options)}
    facts = {"recipe": task["recipe"], "name": task["name"], "options": _ordered(shape(model), options)}
    return _head(left_out, form) + write(facts | ({"uploads": uploads} if uploads else {}), form, shape(model))


def _head(left_out: list[str], form: Form) -> str:
    secret = f"# Left out, as they are secret: {', '.join(left_out)}\n" if left_out else ""
    return f"# An ISO as isobuild makes it: isobuild order --file FILE.{form}\n{secret}"


def write(facts: Mapping[str, Any], form: Form, options: Shape) -> str:
    """An order as such a file. Raises BadInput if TOML can't say it."""
    if form == "toml":
        import tomli_w

        chosen = _without_none(options, facts["options"], ("options",))
        readable = "\\r" not in json.dumps(chosen)  # in texts of several lines TOML has one kind of line's end only
        return tomli_w.dumps(dict(facts) | {"options": chosen}, multiline_strings=readable)
    import yaml

    class Dumper(yaml.SafeDumper):
        pass

    Dumper.add_representer(str, _represent)
    return yaml.dump(dict(facts), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)


def _represent(dumper: "SafeDumper", text: str) -> "Node":
    """Texts of several lines as such, where YAML can have them so; what is not printed, escaped."""
    plain = all(each == "\n" or each.isprintable() for each in text)
    style = ("|" if "\n" in text else None) if plain else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _ordered(options: Shape, value: Any) -> Any:
    """The value with its names in the order that the recipe has them in."""
    if isinstance(value, Mapping):
        known = [name for name in options.names() if name in value]
        names = [*known, *(name for name in value if name not in known)]
        return {name: _ordered(options.inner(name) or Shape({}, {}), value[name]) for name in names}
    if isinstance(value, list):
        return [_ordered(options.inner(place) or Shape({}, {}), each) for place, each in enumerate(value)]
    return value


def _without_none(options: Shape, value: Any, path: tuple[str | int, ...]) -> Any:
    """The value without what is not chosen, as TOML has no word for nothing. Raises BadInput if that is another."""
    if value is None:
        allowed = f"yaml: {dotted(path)} is empty, and TOML has no word for that"
        raise BadInput(field="format", given="toml", allowed=allowed)
    if isinstance(value, Mapping):
        chosen = {name: each for name, each in value.items() if each is not None or not _is_unchosen(options, name)}
        return {name: _within(options, name, each, path) for name, each in chosen.items()}
    return (
        [_within(options, place, each, path) for place, each in enumerate(value)] if isinstance(value, list) else value
    )


def _within(options: Shape, step: str | int, value: Any, path: tuple[str | int, ...]) -> Any:
    return _without_none(options.inner(step) or Shape({}, {}), value, (*path, step))


def _is_unchosen(options: Shape, name: str) -> bool:
    """Whether nothing is what this option has where it is not given."""
    found = [branch.facts["properties"][name] for branch in options.branches() if name in branch.names()]
    return bool(found) and all("default" in facts and facts["default"] is None for facts in found)


# in


def form_of(name: str) -> Form:
    """TOML or YAML, by the name of a file or a content type."""
    return "yaml" if name.lower().partition(";")[0].strip().endswith(("yaml", "yml")) else "toml"


def read(text: str | bytes, form: Form) -> Shown:
    """What a recipe file says, as a slip has it. Raises BadInput."""
    found = parse(text, form)
    if not isinstance(found.get("recipe"), str) or not isinstance(found.get("options", {}), dict):
        raise BadInput(field="file", given="its contents", allowed=ALLOWED)
    found.pop("uploads", None)
    return found


def parse(text: str | bytes, form: Form) -> dict[str, Any]:
    """The table or mapping that a text in one of the FORMS is. Raises BadInput, which repeats nothing of it."""
    if len(text) > LARGEST:
        raise BadInput(field="file", given=f"{len(text)} bytes", allowed=f"{LARGEST} bytes at most")
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
        found = tomllib.loads(decoded) if form == "toml" else _from_yaml(decoded)
    except (ValueError, RecursionError) as error:
        why = str(error) if form == "toml" or not isinstance(error, RecursionError) else "it is too deep"
        raise BadInput(field="file", given="its contents", allowed=f"{ALLOWED} ({why})") from None
    if not isinstance(found, dict):
        raise BadInput(field="file", given="its contents", allowed=ALLOWED)
    return found


def _from_yaml(text: str) -> Any:
    """What YAML says, as JSON could. Raises ValueError; for aliases too, as a few of them can be a bomb."""
    import yaml

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {  # noqa: RUF012 (PyYAML reads it from the class)
            first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
            for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

        def compose_node(self, parent: "Node | None", index: int) -> "Node | None":
            if self.check_event(yaml.AliasEvent):
                raise ValueError("aliases, *NAME, are not taken")
            node: Node | None = super().compose_node(parent, index)
            return node

        def construct_mapping(self, node: "MappingNode", deep: bool = False) -> dict[Any, Any]:
            names = [self.construct_object(name, deep=True) for name, _ in node.value]
            if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
                line = node.start_mark.line + 1
                raise ValueError(f"line {line}: each name once, and each a text (in quotes if need be)")
            return dict(super().construct_mapping(node, deep))

    try:
        return yaml.load(io.StringIO(text), Loader)  # noqa: S506 (a safe one)
    except yaml.MarkedYAMLError as error:
        place = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ValueError(f"{place}{error.problem}") from None
    except yaml.YAMLError:
        raise ValueError("it is no YAML") from None
