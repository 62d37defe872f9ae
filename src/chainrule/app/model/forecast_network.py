"""The network of forecasts: what is added to the last value, step by step."""

from __future__ import annotations

from typing import Any

import chainrule.numpy as cnp
from chainrule import nn
from chainrule.tracing import static


class ForecastNetwork(nn.Module):
    """See a window less its last row, and give what the next rows are above it.

    A series that has drifted away from where it was in training is forecast from where it is now;
    the idea is that of NLinear (Zeng and others, "Are transformers effective for time series
    forecasting?", 2023).

    Parameters
    ----------
    body
        Takes (batch, look back, channels) and gives (batch, horizon * targets).
    horizon
        Rows that are forecast.
    targets
        How many channels are forecast, the first ones.

    A call takes (batch, look back, channels) and returns (batch, horizon, targets).
    """

    body: nn.Module = nn.Identity()
    horizon: int = static(default=1)
    targets: int = static(default=1)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Forecast."""
        last = x[:, -1:, :]
        above = self.body(x - last, key=key)
        above = cnp.reshape(above, (above.shape[0], self.horizon, self.targets))
        return above + last[:, :, : self.targets]
