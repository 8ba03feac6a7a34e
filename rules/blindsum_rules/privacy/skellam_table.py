"""The Skellam law's terms: what a share of noise follows in every study with differential privacy.

Sk(mu) is the difference of two Poissons of mean mu/2: P(k) = e^-mu I_k(mu), variance mu, with I_k
the modified Bessel function; sums of shares are Skellam again (Agarwal, Kairouz, Liu, arXiv
2110.04995). The terms come from I_(k-1) = I_(k+1) + (2k/mu) I_k run backwards in integers (Miller's
algorithm, DLMF 3.6 and 10.29), which needs neither the exponential nor the Bessel function.

**How far the terms' law is from Skellam's**: less than 2^-141 in total variation, for every integer
mu from 1 to 2^32. Write p_k for the law, I_k = e^mu p_k, S = 2^64 for the first term and c_k for
the terms: c_(K+1) = 0, c_K = S, c_(k-1) = c_(k+1) + (2k/mu) c_k - f_k with 0 <= f_k < 1.

1. *Tails.* log E e^(tX) = mu (cosh t - 1) <= (mu t^2/2) / (1 - t/3), so P(X >= x) <= exp(-x^2 /
   2(mu + x/3)) (Bernstein), and x = K - 1 is chosen to make that at most 2^-192. The law is
   log-concave, so P(X >= k)/p_k <= P(X >= 0)/p_0 =: h for k >= 0, and h <= 1/2 + sqrt(2 pi mu)/2 <
   2^17.
2. *Errors.* W_k = c_k I_(k+1) - c_(k+1) I_k satisfies W_(k-1) = -W_k - f_k I_k and W_K = S I_(K+1).
   So |W_k| <= S I_(K+1) + h I_(k+1) <= (S + h) I_k. Let r_k = c_k/I_k; then r_k - r_(k+1) = W_k /
   (I_k I_(k+1)), and sum_(k=1..K) |c_k - r_0 I_k| <= sum_j |W_j|/(I_j I_(j+1)) * sum_(k>j) I_k <= K
   h (S + h) =: E.
3. *Size.* The part of W that stems from S alternates in sign and 1/(I_k I_(k+1)) falls with k
   falling, so r_0 = r_K + sum_(k<K) W_k/(I_k I_(k+1)) >= (S/I_K)(1 - I_(K+1)/I_(K-1)) - K h/I_(K-1)
   = K (2S/mu - h)/I_(K-1). With 2S/mu >= 2^33 and p_(K-1) <= 2^-192, A := e^mu r_0 >= K * 2^224.
4. *Together.* Over all k, positive and negative, the terms differ from A p_k by D <= 2E + A *
   2^-191 in sum. So does their total from A; divided by it they differ from p_k by at most 2D/A in
   sum, which is D/A <= 2 h (S + h)/2^224 + 2^-191 < 2^-141 in total variation.
"""

from math import isqrt
from typing import Final

_TAIL: Final = 267
"""At least 2 * 192 * ln 2: a tail of exp(-267/2) is below 2^-192."""

_FIRST_TERM: Final = 1 << 64


def skellam_terms(variance: int) -> list[int]:
    """Integers proportional to P(0), P(1), ..., P(K) of Sk(variance).

    Args:
        variance: mu, 1 to 2^32.

    Returns:
        K + 1 terms; behind them lies less than 2^-192 on each side. K is about 16.4 sqrt(mu).
    """
    last = _last_entry(variance)
    above, term = 0, _FIRST_TERM
    terms = [term]
    for entry in range(last, 0, -1):
        above, term = term, above + 2 * entry * term // variance
        terms.append(term)
    terms.reverse()
    return terms


def _last_entry(variance: int) -> int:
    """K, so that x = K - 1 satisfies x^2 >= 267 (mu + x/3)."""
    third = _TAIL // 3
    return (third + isqrt(third * third + 4 * _TAIL * variance)) // 2 + 2
