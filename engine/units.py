"""Array aliases and the units every bare number follows; imported everywhere, imports nothing.

Inside the engine time is float64 seconds since the start of the trace, money is US dollars,
energy is watts and watt-hours, carbon is grams of CO2-equivalent and tokens are counts. A name
carries its unit as a suffix (`_s`, `_tokens`, `_usd`, `_usd_per_hour`, `_g`, `_frac`);
counts have none.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]
Int32Array: TypeAlias = npt.NDArray[np.int32]
ByteArray: TypeAlias = npt.NDArray[np.uint8]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
AnyArray: TypeAlias = npt.NDArray[Any]

SECONDS_PER_HOUR = 3600.0
SECONDS_PER_DAY = 86400.0
