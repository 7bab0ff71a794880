package io.github.evercred.examples.client;

import static com.github.tomakehurst.wiremock.client.WireMock.any;
import static com.github.tomakehurst.wiremock.client.WireMock.anyUrl;
import static com.github.tomakehurst.wiremock.client.WireMock.equalTo;
import static com.github.tomakehurst.wiremock.client.WireMock.jsonResponse;
import static com.github.tomakehurst.wiremock.core.WireMockConfiguration.options;

import com.github.tomakehurst.wiremock.WireMockServer;
import com.github.tomakehurst.wiremock.client.MappingBuilder;
import java.net.URI;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;

/** An HTTP server that knows one value of a header, answers 401 to any other, and counts these. */
final class OneKeyServer implements AutoCloseable {
  private static final int LAST = 10;

  private final WireMockServer server =
      new WireMockServer(options().dynamicPort().disableRequestJournal());
  private final UUID stub = UUID.randomUUID();
  private final AtomicLong refused = new AtomicLong();
  private final String header;
  private final String answer;

  /**
   * Starts a server.
   *
   * @param answer JSON, for who is accepted
   * @param refusal JSON, for who is not
   */
  OneKeyServer(String header, String accepted, String answer, String refusal) {
    this.header = header;
    this.answer = answer;
    server.addMockServiceRequestListener(
        (request, response) -> {
          if (response.getStatus() == 401) {
            refused.incrementAndGet();
          }
        });
    server.start();
    server.stubFor(any(anyUrl()).atPriority(LAST).willReturn(jsonResponse(refusal, 401)));
    server.stubFor(accepting(accepted));
  }

  private MappingBuilder accepting(String value) {
    return any(anyUrl())
        .withId(stub)
        .withHeader(header, equalTo(value))
        .willReturn(jsonResponse(answer, 200));
  }

  /** From now on this value is accepted, and no other. */
  void accept(String value) {
    server.editStub(accepting(value));
  }

  long refused() {
    return refused.get();
  }

  URI uri() {
    return URI.create(server.baseUrl());
  }

  @Override
  public void close() {
    server.stop();
  }
}
