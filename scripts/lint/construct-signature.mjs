/** Classes whose constructor takes `(scope, id, props)`. */
const BASES = new Set(["Construct", "TerraformStack", "TerraformElement", "TerraformResource"]);
const EXPECTED = ["scope", "id", "props"];

/**
 * A construct's constructor is `(scope, id, props)`, so that a reader of any construct knows how to make it: what it
 * belongs to, its address in the state, everything else by name. `props` may be left out or have a default; a construct
 * whose first parameter is a property (`private readonly scope`) would shadow `node.scope` and is refused as well.
 * @type {import("eslint").Rule.RuleModule}
 */
export const constructSignature = {
  meta: {
    type: "problem",
    schema: [],
    messages: {
      signature:
        "The constructor of {{name}} must take (scope, id, props), got ({{got}}). Put further values into the props.",
      missing:
        "{{name}} must declare its constructor (scope, id, props), so that its props are typed and documented.",
    },
  },
  create(context) {
    return {
      "ClassDeclaration, ClassExpression"(node) {
        if (node.superClass?.type !== "Identifier" || !BASES.has(node.superClass.name)) return;
        const name = node.id?.name ?? "This class";
        const constructor = node.body.body.find(
          (member) => member.type === "MethodDefinition" && member.kind === "constructor",
        );
        if (constructor === undefined) {
          context.report({ node, messageId: "missing", data: { name } });
          return;
        }
        const got = constructor.value.params.map(parameterName);
        if (
          got.length < 2 ||
          got.length > 3 ||
          got.some((parameter, index) => parameter !== EXPECTED[index])
        ) {
          context.report({ node: constructor, messageId: "signature", data: { name, got: got.join(", ") } });
        }
      },
    };
  },
};

function parameterName(parameter) {
  if (parameter.type === "Identifier") return parameter.name;
  if (parameter.type === "AssignmentPattern") return parameterName(parameter.left);
  return parameter.type;
}
