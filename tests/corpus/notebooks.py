"""Which notebooks are run. Chosen for variety, and because they end within seconds and ask no network."""

from __future__ import annotations

from pathlib import Path

_CHOSEN: dict[str, tuple[str, ...]] = {
    # What notebooks can do, one thing at a time: displays, clear_output, updates, errors, widgets, Output widgets.
    "nbclient-*/tests/files": (
        "Autokill", "Check History in Memory", "Clear Output", "Disable Stdin",
        "Inline Image", "JupyterWidgets", "Other Comms", "Output", "SVG",
        "Skip Exceptions with Cell Tags", "Skip Execution with Cell Tag", "update-display-id",
    ),
    # Documentation: a page on every kind of output, galleries, errors that are meant.
    "nbsphinx-*/doc": (
        "allow-errors-per-cell", "code-cells", "markdown-cells",
    ),
    # Widgets with binary buffers, threads that draw, Output widgets, canvases.
    "ipycanvas-*": (
        "docs/offscreen_canvas", "examples/binary_image", "examples/MultiCanvas",
        "examples/fractals_tree",
    ),
    "pythreejs-*/examples": ("Geometries",),
    "ipympl-*": ("docs/examples/full-example",),
    "nbconvert-*/tests": (
        "files/Widget_List", "files/notebook2", "files/notebook1", "files/notebook4_jpeg",
        "exporters/files/attachment",
    ),
    # Progress bars of all kinds.
    "tqdm-*": ("DEMO", "tests_notebook"),
    # Hundreds of drawings as SVG and PNG.
    "schemdraw-*/test": ("test_backend", "test_styles"),
    # Streams that interleave, LaTeX, tables, magics, SystemExit, interrupts.
    "nbval-*": ("tests/sample_notebook", "tests/test_coalesce", "tests/exceptions", "tests/latex-example"),
    "papermill-*/papermill/tests/notebooks": ("sysexit1", "broken2", "line_magic_error", "keyboard_interrupt"),
    "nbmake-*/tests/resources": ("ignore_tag", "import_errs"),
    "jupytext-*/tests/data/notebooks": (
        "inputs/ipynb_py/text_outputs_and_images", "outputs/sphinx_to_ipynb/plot_notebook",
        "inputs/ipynb_py/Notebook with html and latex cells",
    ),
}  # fmt: skip


def chosen() -> list[str]:
    """Return the notebooks, each as a pattern below the folder of the sources."""
    return [f"{folder}/{name}.ipynb" for folder, names in _CHOSEN.items() for name in names]


def find(sources: Path, pattern: str) -> Path:
    """Return the one notebook that a pattern means."""
    (path,) = sources.glob(pattern)
    return path
