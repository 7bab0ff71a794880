package io.github.evercred.examples.rotation;

import com.grack.nanojson.JsonObject;
import com.grack.nanojson.JsonParser;
import com.grack.nanojson.JsonParserException;
import javax.sql.DataSource;
import org.postgresql.ds.PGSimpleDataSource;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/** What most services do: the password is read once, at the start, and kept. */
final class WithoutEvercred {
  private final JsonObject credential;
  private final String jdbcUrl;

  WithoutEvercred(SecretsManagerClient client, String secretId, String jdbcUrl) {
    String secret = client.getSecretValue(request -> request.secretId(secretId)).secretString();
    try {
      this.credential = JsonParser.object().from(secret);
    } catch (JsonParserException e) {
      throw new IllegalStateException("Secret '%s' is not a JSON object".formatted(secretId));
    }
    this.jdbcUrl = jdbcUrl;
  }

  DataSource dataSource() {
    PGSimpleDataSource dataSource = new PGSimpleDataSource();
    dataSource.setUrl(jdbcUrl);
    dataSource.setUser(credential.getString("username"));
    dataSource.setPassword(credential.getString("password"));
    return dataSource;
  }
}
