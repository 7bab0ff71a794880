package io.github.evercred.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.jdbc.EvercredDataSource;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.util.Hashtable;
import javax.naming.CompositeName;
import javax.naming.InitialContext;
import javax.naming.StringRefAddr;
import javax.naming.spi.ObjectFactory;
import javax.sql.DataSource;
import javax.xml.parsers.DocumentBuilderFactory;
import org.apache.naming.ResourceRef;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.w3c.dom.Element;
import org.w3c.dom.NamedNodeMap;

/** Resources of a context.xml, made by the factories that Tomcat would call. */
@ExtendWith(Servers.class)
@Timeout(60)
class TomcatTest {
  @SuppressWarnings("JdkObsolete") // What the interface wants.
  private static final Hashtable<?, ?> NO_ENVIRONMENT = new Hashtable<>();

  /** Does what Tomcat does with a Resource: its attributes become a reference. */
  private static DataSource resource(String context) throws Exception {
    var bytes = new ByteArrayInputStream(context.getBytes(StandardCharsets.UTF_8));
    var document = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(bytes);
    var resource = (Element) document.getElementsByTagName("Resource").item(0);
    String factory = resource.getAttribute("factory");
    var reference =
        new ResourceRef(resource.getAttribute("type"), null, null, null, true, factory, null);
    NamedNodeMap attributes = resource.getAttributes();
    for (int i = 0; i < attributes.getLength(); i++) {
      String name = attributes.item(i).getNodeName();
      if (!name.equals("name") && !name.equals("type") && !name.equals("factory")) {
        reference.add(new StringRefAddr(name, attributes.item(i).getNodeValue()));
      }
    }
    var maker =
        Class.forName(factory)
            .asSubclass(ObjectFactory.class)
            .getDeclaredConstructor()
            .newInstance();
    return (DataSource)
        maker.getObjectInstance(
            reference,
            new CompositeName(resource.getAttribute("name")),
            new InitialContext(),
            NO_ENVIRONMENT);
  }

  @ParameterizedTest
  @EnumSource
  void pool_acrossARotation_works(Form form, Servers.Running servers) throws Exception {
    Application application = servers.application("tomcat_" + form);
    var pool =
        (org.apache.tomcat.jdbc.pool.DataSource) resource(form.in(application.file("context.xml")));
    try {
      check(pool, application);
      application.openWindow();
      pool.purge();
      check(pool, application);
      application.closeWindow();
      pool.purge();
      check(pool, application);
    } finally {
      pool.close();
    }
    assertThat(application.refused()).isEqualTo(1);
    Eventually.until(() -> application.sessions() == 0);
  }

  @Test
  void bean_acrossARotation_works(Servers.Running servers) throws Exception {
    Application application = servers.application("tomcat_bean");
    DataSource bean = resource(application.file("context-bean.xml"));
    assertThat(bean).isInstanceOf(EvercredDataSource.class);

    check(bean, application);
    application.openWindow();
    check(bean, application);
    check(bean, application);
    application.closeWindow();
    check(bean, application);
    assertThat(application.refused()).isEqualTo(1);
    Eventually.until(() -> application.sessions() == 0);
  }

  private static void check(DataSource pool, Application application) throws Exception {
    try (Connection connection = pool.getConnection()) {
      application.check(connection);
    }
  }
}
