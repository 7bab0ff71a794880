package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is expected here is what the real drivers' parsers do with the same text. */
class SyntaxTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          a=1;b=2            | a=1            | b=2
          a={1;2};b=3        | a={1;2}        | b=3
          a= {1;2} ;b=3      | a= {1;2}       | b=3
          a={1}}2;3};b=4     | a={1}}2;3}     | b=4
          a={1}}};b=4        | a={1}}}        | b=4
          a={1{2};b=4        | a={1{2}        | b=4
          a=1}2;b=3          | a=1}2          | b=3
          {a=b;c=d           | {a=b           | c=d
          a=b={c;d}          | a=b={c         | d}
          """)
  void split_braces_onlyAroundAWholeValue(String parameters, String first, String second) {
    assertThat(Syntax.BRACES.split(parameters).stream().map(String::strip))
        .containsExactly(first, second);
  }

  @Test
  void encoded_braces_readBackAsItWas() {
    for (String value : List.of("a", "a;b", "a}b", "}", "}}", "{", "{a}", "a};b={c", " a ", "")) {
      String written = Syntax.BRACES.encoded(value);
      assertThat(Syntax.BRACES.decoded(written)).isEqualTo(value);
      assertThat(Syntax.BRACES.split("x=" + written + ";y=z"))
          .containsExactly("x=" + written, "y=z");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          jdbc:db2://h:1/db:a=1;user=s;                | jdbc:db2://h:1/db:a=1;
          jdbc:db2://h:1/db:user=s;a=1;                | jdbc:db2://h:1/db:a=1;
          jdbc:db2://h:1/db:user=s;                    | jdbc:db2://h:1/db
          jdbc:db2://h:1/db:a=1;                       | jdbc:db2://h:1/db:a=1;
          jdbc:db2://h:1/db:a=1                        | jdbc:db2://h:1/db:a=1;
          jdbc:db2://[::1]:1/db:evercred.region=x-y;   | jdbc:db2://[::1]:1/db
          jdbc:db2:alias:user=s;a=1;                   | jdbc:db2:alias:a=1;
          jdbc:db2://:user=s;a=1;                      | jdbc:db2://:a=1;
          jdbc:sqlserver://h;user=s;a={x;y};           | jdbc:sqlserver://h;a={x;y}
          jdbc:sqlserver://h;a={x;y}                   | jdbc:sqlserver://h;a={x;y}
          jdbc:sqlserver://h;userName={s};loginTimeout=3 | jdbc:sqlserver://h
          jdbc:oracle:thin:@//h/svc?user=s             | jdbc:oracle:thin:@//h/svc
          jdbc:oracle:thin:@h:1:sid                    | jdbc:oracle:thin:@h:1:sid
          """)
  void text_ourParametersTakenOut_restAsTheDriverWantsIt(String url, String expected)
      throws SQLException {
    assertThat(JdbcUrl.parse(url).text()).isEqualTo(expected);
  }

  @Test
  void parse_db2WithoutHost_hasParametersAndNoAddress() throws SQLException {
    for (String rest : List.of(":a=1;", "//:a=1;", "///:a=1;")) {
      JdbcUrl url = JdbcUrl.parse("jdbc:evercred:db2:" + rest);
      assertThat(url.hasNoAddress()).isTrue();
      assertThat(url.parameters()).containsAllEntriesOf(Map.of("a", "1"));
    }
  }
}
