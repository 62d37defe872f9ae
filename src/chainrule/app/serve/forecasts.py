"""What a forecast says behind a window of its series, and how far off it is."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.app.serve.course import Course
from chainrule.app.serve.past import Past
from chainrule.app.serve.plain import plain


def forecast(course: Course, past: Past, carry: Any, window: int) -> dict[str, Any]:
    """Forecast behind a window, and compare with what followed, as plain JSON values.

    Parameters
    ----------
    course, past
        What is shown: its windows, and where they lie in their series.
    carry
        The network's arrays, as steps carry them on.
    window
        Which row of the material.

    Returns
    -------
    Of each target ``history``, ``truth``, ``forecast`` and ``guesses`` of the window, in the unit
    of the series; and ``errors``, the mean absolute error of all windows for each row ahead, of the
    network and of each guess.
    """
    outlook = past.outlook
    said = outlook.restored(course.program.outputs(carry, np.asarray(course.examples.inputs[0])))
    truth = outlook.restored(np.asarray(course.examples.targets))
    history = outlook.restored(np.asarray(course.examples.inputs[0][window])[:, : outlook.targets])
    begin = int(past.begins[window])
    every = {"network": said, **past.guesses}
    return plain(  # type: ignore[no-any-return]
        {
            "names": list(outlook.names),
            "labels": list(past.labels[begin - outlook.look_back : begin + outlook.horizon]),
            "history": history.T,
            "truth": truth[window].T,
            "forecast": said[window].T,
            "guesses": {name: each[window].T for name, each in past.guesses.items()},
            "errors": {name: np.abs(x - truth).mean(axis=0).T for name, x in every.items()},
            "windows": len(said),
        }
    )
