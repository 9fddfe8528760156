from carewire_ingress.domain.acknowledgements import PATIENCE_S, Acknowledgements


def flowing() -> Acknowledgements:
    acknowledgements = Acknowledgements(limit=3)
    acknowledgements.settled([acknowledgements.sent(0)], acknowledged=True)
    return acknowledgements


def test_nothing_flows_before_the_first_acknowledgement() -> None:
    acknowledgements = Acknowledgements(limit=3)
    assert not acknowledgements.is_flowing(0)
    acknowledgements.settled([acknowledgements.sent(0)], acknowledged=True)
    assert acknowledgements.is_flowing(0)


def test_a_record_that_waits_too_long_stops_the_flow_until_it_is_acknowledged() -> None:
    acknowledgements = flowing()
    ticket = acknowledgements.sent(10)
    assert acknowledgements.is_flowing(10 + PATIENCE_S / 2)
    assert not acknowledgements.is_flowing(10 + PATIENCE_S)
    assert acknowledgements.oldest_wait(15) == 5
    acknowledgements.settled([ticket], acknowledged=True)
    assert acknowledgements.is_flowing(15)
    assert acknowledgements.oldest_wait(15) == 0


def test_a_failed_record_stops_the_flow_until_another_one_succeeds() -> None:
    acknowledgements = flowing()
    acknowledgements.settled([acknowledgements.sent(1)], acknowledged=False)
    assert not acknowledgements.is_flowing(1)
    acknowledgements.settled([acknowledgements.sent(2)], acknowledged=True)
    assert acknowledgements.is_flowing(2)


def test_a_record_that_is_itself_at_fault_says_nothing_about_kafka() -> None:
    acknowledgements = flowing()
    acknowledgements.settled([acknowledgements.sent(1)], acknowledged=None)
    assert acknowledgements.is_flowing(1)


def test_what_waits_is_forgotten_with_its_producer() -> None:
    acknowledgements = flowing()
    ticket = acknowledgements.sent(1)
    acknowledgements.abandoned()
    assert acknowledgements.waiting == 0
    assert not acknowledgements.is_flowing(1)
    acknowledgements.settled([ticket], acknowledged=False)
    assert acknowledgements.waiting == 0


def test_no_more_than_the_limit_wait_at_once() -> None:
    acknowledgements = flowing()
    tickets = [acknowledgements.sent(1) for _ in range(3)]
    assert acknowledgements.waiting == 3
    assert not acknowledgements.is_flowing(1)
    acknowledgements.settled([tickets[1]], acknowledged=True)
    assert acknowledgements.is_flowing(1)
