package io.github.evercred.examples.lambda;

import static org.assertj.core.api.Assertions.assertThat;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.grack.nanojson.JsonParser;
import io.github.evercred.SecretCacheBuilder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.AbstractConstruct;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;

/**
 * template.yaml and the policy files fit the code and each other, and allow no more than is needed.
 */
class TemplateTest {
  private static final String CODE = "src/main/java/io/github/evercred/examples/lambda/";

  private final Map<String, Object> template;

  TemplateTest() throws Exception {
    template = map(new Yaml(new Functions()).load(Files.readString(Path.of("template.yaml"))));
  }

  /** CloudFormation's short forms: {@code !Ref x} becomes the map {@code {!Ref: x}}. */
  private static final class Functions extends SafeConstructor {
    Functions() {
      super(new LoaderOptions());
      yamlMultiConstructors.put(
          "!",
          new AbstractConstruct() {
            @Override
            public Object construct(Node node) {
              Object inner;
              if (node instanceof ScalarNode scalar) {
                inner = constructScalar(scalar);
              } else if (node instanceof SequenceNode sequence) {
                inner = constructSequence(sequence);
              } else {
                inner = constructMapping((MappingNode) node);
              }
              return Map.of(node.getTag().getValue(), inner);
            }
          });
    }
  }

  @SuppressWarnings("unchecked") // Keys are texts in both formats.
  private static Map<String, Object> map(Object node) {
    assertThat(node).isInstanceOf(Map.class);
    return (Map<String, Object>) node;
  }

  private static Object at(Object node, String... path) {
    Object here = node;
    for (String name : path) {
      assertThat(map(here)).containsKey(name);
      here = Objects.requireNonNull(map(here).get(name), name);
    }
    return here;
  }

  private static List<?> list(Object node) {
    assertThat(node).isInstanceOf(List.class);
    return (List<?>) node;
  }

  private Map<String, Object> function(String name) {
    assertThat(at(template, "Resources", name, "Type")).isEqualTo("AWS::Serverless::Function");
    return map(at(template, "Resources", name, "Properties"));
  }

  /** The statements of all policies, those under a condition as if it held. */
  private List<Map<String, Object>> statements(String name) {
    List<Map<String, Object>> statements = new ArrayList<>();
    for (Object policy : list(at(function(name), "Policies"))) {
      assertThat(at(policy, "Version")).isEqualTo("2012-10-17");
      for (Object statement : list(at(policy, "Statement"))) {
        Map<String, Object> held = map(statement);
        if (held.containsKey("!If")) {
          List<?> branches = list(held.get("!If"));
          assertThat(map(at(template, "Conditions"))).containsKey((String) branches.get(0));
          assertThat(branches.get(2)).isEqualTo(Map.of("!Ref", "AWS::NoValue"));
          held = map(branches.get(1));
        }
        statements.add(held);
      }
    }
    return statements;
  }

  /** As CloudFormation fills them in, for the region, the account and the key of policy.json. */
  private Object filledIn(Object node, Map<String, String> values) {
    if (node instanceof List<?> items) {
      return items.stream().map(item -> filledIn(item, values)).toList();
    }
    if (!(node instanceof Map)) {
      return node;
    }
    Map<String, Object> fields = map(node);
    if (fields.get("!Ref") instanceof String name) {
      return Objects.requireNonNull(values.get(name), name);
    }
    if (fields.get("!Sub") instanceof String text) {
      return Pattern.compile("\\$\\{([^}]+)}")
          .matcher(text)
          .replaceAll(name -> Matcher.quoteReplacement(values.get(name.group(1))));
    }
    Map<String, Object> filled = new LinkedHashMap<>();
    fields.forEach((name, value) -> filled.put(name, filledIn(value, values)));
    return filled;
  }

  @Test
  void functions_allThatThereAre_areTheHandlersHere() {
    assertThat(map(at(template, "Resources")))
        .containsOnlyKeys("ApiKeyFunction", "DatabaseFunction", "SnapStartFunction");
    assertThat(at(function("ApiKeyFunction"), "Handler"))
        .isEqualTo(ApiKeyHandler.class.getName() + "::handleRequest");
    assertThat(at(function("DatabaseFunction"), "Handler"))
        .isEqualTo(DatabaseHandler.class.getName() + "::handleRequest");
    assertThat(at(function("SnapStartFunction"), "Handler"))
        .isEqualTo(SnapStartHandler.class.getName() + "::handleRequest");
  }

  /** Only what is published has a snapshot, and only the alias leads to it. */
  @Test
  void snapStart_isForThePublishedVersionsOfTheThirdAlone() throws Exception {
    assertThat(function("SnapStartFunction"))
        .containsEntry("SnapStart", Map.of("ApplyOn", "PublishedVersions"))
        .containsEntry("AutoPublishAlias", "live")
        .containsEntry("AutoPublishAliasAllProperties", true)
        .doesNotContainKey("Layers");
    for (String other : List.of("ApiKeyFunction", "DatabaseFunction")) {
      assertThat(function(other)).doesNotContainKeys("SnapStart", "AutoPublishAlias");
    }
    assertThat(map(at(template, "Globals", "Function"))).doesNotContainKey("SnapStart");
  }

  @ParameterizedTest
  @ValueSource(strings = {"ApiKeyFunction", "DatabaseFunction", "SnapStartFunction"})
  void handler_asLambdaCallsIt_exists(String name) throws Exception {
    String[] handler = ((String) at(function(name), "Handler")).split("::", -1);

    // Its static part needs what only a function has.
    Class<?> type = Class.forName(handler[0], false, getClass().getClassLoader());

    assertThat(type).isPublic().isAssignableTo(RequestHandler.class);
    assertThat(type.getConstructor()).isNotNull();
    assertThat(type.getMethod(handler[1], Map.class, Context.class).getReturnType())
        .isEqualTo(Map.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"ApiKeyFunction", "DatabaseFunction", "SnapStartFunction"})
  void environment_isWhatTheHandlerAsksFor(String name) throws Exception {
    String handler = ((String) at(function(name), "Handler")).replaceAll("^.*\\.|::.*$", "");
    Matcher asked =
        Pattern.compile("Variables\\.required\\(\"([A-Z_]+)\"\\)")
            .matcher(Files.readString(Path.of(CODE + handler + ".java")));
    var names = new TreeSet<String>();
    while (asked.find()) {
      names.add(asked.group(1));
    }

    assertThat(names).contains("SECRET_ID");
    Map<String, Object> variables = map(at(function(name), "Environment", "Variables"));
    if (name.equals("SnapStartFunction")) {
      names.addAll(List.of("EVERCRED_SEALED_BY_KMS_KEY", "EVERCRED_APPLICATION"));
    }
    assertThat(new TreeSet<>(variables.keySet())).isEqualTo(names);
  }

  /** The cache takes them from there by itself. */
  @Test
  void environment_optionsOfTheCache_fitWithAndWithoutAKey() {
    Map<String, Object> variables =
        map(at(function("SnapStartFunction"), "Environment", "Variables"));

    assertThat(SecretCacheBuilder.optionNames()).contains("sealedByKmsKey", "application");
    // Without a key the one is empty, which counts as absent, and the other must not be there.
    assertThat(variables.get("EVERCRED_SEALED_BY_KMS_KEY"))
        .isEqualTo(Map.of("!Ref", "SealingKeyArn"));
    assertThat(at(template, "Parameters", "SealingKeyArn", "Default")).isEqualTo("");
    assertThat(at(template, "Conditions", "HasSealingKey"))
        .isEqualTo(
            Map.of(
                "!Not", List.of(Map.of("!Equals", List.of(Map.of("!Ref", "SealingKeyArn"), "")))));
    assertThat(variables.get("EVERCRED_APPLICATION"))
        .isEqualTo(
            Map.of(
                "!If",
                List.of(
                    "HasSealingKey",
                    Map.of("!Ref", "AWS::StackName"),
                    Map.of("!Ref", "AWS::NoValue"))));
  }

  @Test
  void globals_fitTheCode() throws Exception {
    Map<String, Object> globals = map(at(template, "Globals", "Function"));

    assertThat(globals.get("Runtime")).isEqualTo("java25");
    assertThat(globals.get("Timeout")).isEqualTo((int) LocalFunction.TIMEOUT.toSeconds());
    assertThat(globals.get("CodeUri")).isEqualTo("target/function");
    assertThat(Files.readString(Path.of("pom.xml")))
        .contains("<outputDirectory>${project.build.directory}/function</outputDirectory>")
        .contains("<outputDirectory>${project.build.directory}/function/lib</outputDirectory>");
  }

  @ParameterizedTest
  @ValueSource(strings = {"ApiKeyFunction", "DatabaseFunction", "SnapStartFunction"})
  void policies_allowExactlyTheOwnSecretAndItsKey(String name) {
    String parameter = (String) at(function(name), "Environment", "Variables", "SECRET_ID", "!Ref");

    assertThat(function(name)).doesNotContainKey("Role");
    List<Map<String, Object>> allowed = new ArrayList<>();
    allowed.add(
        Map.of(
            "Effect", "Allow",
            "Action", "secretsmanager:GetSecretValue",
            "Resource",
                Map.of(
                    "!Sub",
                    "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}"
                        + ":secret:${"
                        + parameter
                        + "}-??????")));
    allowed.add(
        Map.of(
            "Effect",
            "Allow",
            "Action",
            "kms:Decrypt",
            "Resource",
            Map.of("!Ref", "KeyArn"),
            "Condition",
            Map.of(
                "StringEquals",
                Map.of(
                    "kms:ViaService",
                    Map.of("!Sub", "secretsmanager.${AWS::Region}.amazonaws.com")))));
    if (name.equals("SnapStartFunction")) {
      // Bound to the name that the function gives itself.
      Object application =
          list(at(function(name), "Environment", "Variables", "EVERCRED_APPLICATION", "!If"))
              .get(1);
      allowed.add(
          Map.of(
              "Effect", "Allow",
              "Action", List.of("kms:GenerateDataKey", "kms:Decrypt"),
              "Resource",
                  at(function(name), "Environment", "Variables", "EVERCRED_SEALED_BY_KMS_KEY"),
              "Condition",
                  Map.of(
                      "StringEquals",
                      Map.of("kms:EncryptionContext:evercred:application", application))));
    }
    assertThat(statements(name)).isEqualTo(allowed);
  }

  @ParameterizedTest
  @CsvSource({"policy.json, ApiKeyFunction", "policy-snapstart.json, SnapStartFunction"})
  void policyFile_saysWhatTheTemplateSays(String file, String name) throws Exception {
    Map<String, Object> policy = JsonParser.object().from(Files.readString(Path.of(file)));
    List<?> statements = list(at(policy, "Statement"));
    Map<String, String> values = new LinkedHashMap<>();
    values.put("AWS::Partition", "aws");
    values.put("AWS::Region", "eu-west-1");
    values.put("AWS::AccountId", "123456789012");
    values.put("AWS::StackName", "payment");
    values.put("ApiKeySecret", (String) at(template, "Parameters", "ApiKeySecret", "Default"));
    List<String> keys = List.of("KeyArn", "SealingKeyArn");
    for (int i = 1; i < statements.size(); i++) {
      String arn = (String) at(statements.get(i), "Resource");
      assertThat(arn).startsWith("arn:aws:kms:eu-west-1:123456789012:key/");
      assertThat(values.values()).as("each key is another one").doesNotContain(arn);
      values.put(keys.get(i - 1), arn);
    }

    assertThat(policy.get("Version")).isEqualTo("2012-10-17");
    assertThat(statements).isEqualTo(filledIn(statements(name), values));
  }

  @Test
  void names_thatAreReferredTo_areThere() {
    var known = new TreeSet<>(map(at(template, "Parameters")).keySet());
    known.addAll(
        List.of(
            "AWS::Partition", "AWS::Region", "AWS::AccountId", "AWS::StackName", "AWS::NoValue"));

    assertThat(references(template)).isNotEmpty().isSubsetOf(known);
    assertThat(references(template)).containsAll(map(at(template, "Parameters")).keySet());
  }

  private static Set<String> references(Object node) {
    var names = new TreeSet<String>();
    if (node instanceof List<?> items) {
      items.forEach(item -> names.addAll(references(item)));
    } else if (node instanceof Map) {
      map(node)
          .forEach(
              (key, value) -> {
                if (key.equals("!Ref")) {
                  names.add((String) value);
                } else if (key.equals("!Sub")) {
                  Matcher name = Pattern.compile("\\$\\{([^}]+)}").matcher((String) value);
                  while (name.find()) {
                    names.add(name.group(1));
                  }
                } else {
                  names.addAll(references(value));
                }
              });
    }
    return names;
  }
}
