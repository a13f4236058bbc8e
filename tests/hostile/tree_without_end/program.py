# Compiles a syntax tree that was made by hand, and is deeper than any text.
import ast


def add(a, b):
    node = ast.Constant(1)
    for _ in range(10**5):
        node = ast.UnaryOp(ast.USub(), node)
    tree = ast.fix_missing_locations(ast.Expression(ast.Constant(1)))
    tree.body = ast.copy_location(node, tree.body)
    return eval(compile(tree, "x", "eval"))


if __name__ == "__main__":
    add(1, 2)
