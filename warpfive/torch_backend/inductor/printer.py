"""Index expressions in CUDA C++."""

import sympy
from sympy.printing.precedence import PRECEDENCE
from torch.utils._sympy.printers import CppPrinter


class IndexPrinter(CppPrinter):
    """Prints integer expressions without forced 64 bits: the variables' types decide the width.

    Range variables are never negative, so most divisions are C++'s own.
    """

    def _print_Integer(self, expr: sympy.Expr) -> str:
        value = int(expr)
        return str(value) if abs(value) < 2**31 else f"{value}LL"

    def _print_FloorDiv(self, expr: sympy.Expr) -> str:
        value, divisor = expr.args
        if value.is_nonnegative and divisor.is_positive:
            return f"({self.atom(value)} / {self.atom(divisor)})"
        return f"wf::floor_divide({self.doprint(value)}, {self.doprint(divisor)})"

    def _print_ModularIndexing(self, expr: sympy.Expr) -> str:
        value, divisor, modulus = expr.args
        quotient = self.atom(value)
        if divisor != 1:
            quotient = f"({quotient} / {self.atom(divisor)})"
        return f"({quotient} % {self.atom(modulus)})"

    def _print_PythonMod(self, expr: sympy.Expr) -> str:
        value, divisor = expr.args
        if value.is_nonnegative and divisor.is_positive:
            return f"({self.atom(value)} % {self.atom(divisor)})"
        return f"wf::remainder({self.doprint(value)}, {self.doprint(divisor)})"

    _print_Mod = _print_PythonMod

    def _print_min_max(self, expr: sympy.Expr, name: str) -> str:
        first, *rest = [self.doprint(argument) for argument in expr.args]
        for argument in rest:
            first = f"wf::{name}imum({first}, {argument})"
        return first

    def _print_PowByNatural(self, expr: sympy.Expr) -> str:
        base, exponent = expr.args
        return f"wf::int_pow({self.doprint(base)}, {self.doprint(exponent)})"

    def _print_Pow(self, expr: sympy.Expr) -> str:
        base, exponent = expr.args
        if exponent.is_Integer and 0 < exponent <= 4 and expr.is_integer:
            return "(" + " * ".join([self.atom(base)] * int(exponent)) + ")"
        return super()._print_Pow(expr)

    def _print_IntTrueDiv(self, expr: sympy.Expr) -> str:
        above, below = expr.args
        return f"(double({self.doprint(above)}) / double({self.doprint(below)}))"

    def _print_RoundToInt(self, expr: sympy.Expr) -> str:
        return f"llrint({self.doprint(expr.args[0])})"

    def _print_Infinity(self, expr: sympy.Expr) -> str:
        return "INFINITY"

    def _print_NegativeInfinity(self, expr: sympy.Expr) -> str:
        return "(-INFINITY)"

    def _print_NaN(self, expr: sympy.Expr) -> str:
        return "NAN"

    def atom(self, expr: sympy.Expr) -> str:
        return self.parenthesize(expr, PRECEDENCE["Atom"] - 0.5)


index_text = IndexPrinter().doprint
